"""What students write in lab 4 before they are right, and a piece of the hint that should come."""


def variants(text):
    return f"def my_variants():\n    return {text}"


def interval(*lines):
    return "\n    ".join(["def interval(differences):", *lines])


def claim(*lines):
    return "\n    ".join(["def claim(low, high):", *lines])


N = "n = len(differences)"
MEAN = "mean = differences.mean()"

WRONG = {
    "L4-1": [
        (variants("{'full': {}, 'mine': {'auxilary': 'none'}}"), "did you mean 'auxiliary'?"),
        (variants("{'full': {}, 'mine': {'auxiliary': 'off'}}"), "one of region, category, none"),
        (variants("{'full': {}, 'mine': {'auxiliary': None}}"), 'the word "none", in quotes'),
        (variants("{'full': {}, 'mine': {'auxiliary': 'region'}}"), "this is the same as full"),
        (variants("{'full': {}, 'mine': {}}"), "this is the same as full"),
        *(
            (variants(f"{{'full': {{}}, 'mine': {{{same}}}}}"), f"the same as full, as {said}")
            for same, said in (
                ("'spec_augment': False", "`spec_augment` changes nothing here: nothing is hidden"),
                ("'allow_missing_audio': True", "`allow_missing_audio`"),
                ("'decay_epochs': 3", "`decay_epochs` changes nothing here: 3 is a quarter"),
                ("'spacing': 'area'", "`spacing` changes nothing here: with so few divisions"),
                ("'spec_augment': False, 'decay_epochs': 3.0", "`spec_augment`"),
            )
        ),
        (variants("{'full': {}, 'mine': {'spacing': 'area', 'elevation': 4}}"), "which of the two"),
        (variants("{'full': {}, 'mine': {'spec_augment': False, 'weighted': False, 'layer': 1}}"), "which of the two"),
        (variants("{'full': {}, 'mine': {'learning_rate': 0.001}}"), "this is the same as full"),
        (variants("{'full': {}, 'mine': {'weighted': 'False'}}"), "weighted must be bool"),
        (variants("{'full': {'auxiliary': 'region'}, 'mine': {'auxiliary': 'none'}}"), "states no difference: {}"),
        (variants("{'full': {'auxiliary': 'none'}, 'mine': {}}"), "yours is measured against"),
        (variants("{'region': {'auxiliary': 'region'}, 'none': {'auxiliary': 'none'}}"), "one of the two is"),
        (variants("{'full': {}, 'mine': {'auxiliary': 'none', 'pooling': 'statistics'}}"), "which of the two"),
        *(
            (variants(f"{{'full': {{}}, 'mine': {{'elevation': 4, {other}}}}}"), "which of the two")
            for other in (
                "'pooling': 'statistics'",
                "'auxiliary': 'none'",
                "'learning_rate': 3e-4",
                "'layer': 1, 'azimuth': 8",
            )
        ),
        (variants("{'full': {}, 'mine': {'azimuth': 8, 'weighted': False}}"), "which of the two"),
        (variants("{'full': {}, 'mine': {'auxiliary': None, 'pooling': 'statistics'}}"), 'None means "as in full"'),
        (variants("{'full': {}, 'none': {'auxiliary': 'none'}, 'slow': {'learning_rate': 3e-4}}"), "the number is 3"),
        (variants("{'mine': {'auxiliary': 'none'}}"), "the number is 1"),
        (variants("{}, {'auxiliary': 'none'}"), "return a dict"),
        (variants("{'auxiliary': 'none'}"), "return a dict"),
        (variants("{'full': {}, 'mine': {'auxiliary', 'none'}}"), "return a dict"),
        (variants("{'full': {}, 'mine': {'seed': 3}}"), "A seed is chance"),
        (variants("{'full': {}, 'mine': {'limit': 100}}"), "other utterances"),
        (variants("{'full': {}, 'mine': {'preset': 'paper'}}"), "other utterances"),
        (variants("{'full': {}, 'mine': {'encoder': 'microsoft/wavlm-large'}}"), "has to be downloaded"),
        (variants("{'full': {}, 'mine': {'workers': 2}}"), "speed and memory"),
        (variants("{'full': {}, 'mine': {'batch_size': 1}}"), "at least 2"),
        (variants("{'full': {}, 'mine': {auxiliary: 'none'}}"), "NameError"),
        (variants("{'full': {}, 'mine': {0: 'none'}}"), "Put it in quotes"),
        ("my_variants = {'full': {}, 'mine': {'auxiliary': 'none'}}", "should be a function"),
        ("def my_variants():\n    variants = {'full': {}, 'mine': {'auxiliary': 'none'}}", "returns nothing"),
    ],
    "L4-2": [
        (
            interval(N, MEAN, "half = 1.96 * np.std(differences, ddof=1) / n**0.5", "return mean - half, mean + half"),
            "Student's t",
        ),
        (
            interval(N, MEAN, "half = 1.96 * np.std(differences) / np.sqrt(n)", "return mean - half, mean + half"),
            "Student's t",
        ),
        (
            interval(
                N,
                MEAN,
                "half = l4.t_quantile(n - 1) * np.std(differences) / np.sqrt(n)",
                "return mean - half, mean + half",
            ),
            "ddof=1",
        ),
        (
            interval(
                N,
                MEAN,
                "half = l4.t_quantile(n) * np.std(differences, ddof=1) / np.sqrt(n)",
                "return mean - half, mean + half",
            ),
            "How many degrees of freedom",
        ),
        (
            interval(
                N, MEAN, "half = l4.t_quantile(n) * differences.std() / np.sqrt(n)", "return mean - half, mean + half"
            ),
            "How many degrees of freedom",
        ),
        (
            interval(
                N, MEAN, "half = l4.t_quantile(n - 1) * np.std(differences, ddof=1)", "return mean - half, mean + half"
            ),
            "square root of n",
        ),
        (
            interval(
                N,
                MEAN,
                "half = l4.t_quantile(n - 1) * np.std(differences, ddof=1) / n",
                "return mean - half, mean + half",
            ),
            "falls with the square root",
        ),
        (
            interval(
                N,
                MEAN,
                "half = l4.t_quantile(n - 1) * np.std(differences, ddof=1) / np.sqrt(n - 1)",
                "return [mean - half, mean + half]",
            ),
            "Under the root it is n",
        ),
        (
            interval(
                N,
                MEAN,
                "half = l4.t_quantile(n - 1) * np.var(differences, ddof=1) / np.sqrt(n)",
                "return mean - half, mean + half",
            ),
            "that is the variance",
        ),
        (interval(N, MEAN, "return mean, l4.t_quantile(n - 1) * np.std(differences, ddof=1) / np.sqrt(n)"), "two ends"),
        (
            interval(N, "half = l4.t_quantile(n - 1) * np.std(differences, ddof=1) / np.sqrt(n)", "return -half, half"),
            "lies round 0",
        ),
        (
            interval(
                N,
                MEAN,
                "half = l4.t_quantile(n - 1) * np.std(differences, ddof=1) / np.sqrt(n)",
                "return mean + half, mean - half",
            ),
            "low first",
        ),
        (
            interval(
                MEAN, "half = 4.30265 * np.std(differences, ddof=1) / np.sqrt(3)", "return mean - half, mean + half"
            ),
            "right for three seeds only",
        ),
        (
            interval(
                MEAN,
                "half = l4.t_quantile(2) * differences.std(ddof=1) / len(differences)**0.5",
                "return mean - half, mean + half",
            ),
            "right for three seeds only",
        ),
        (interval("return np.min(differences), np.max(differences)"), "smallest and largest"),
        (
            interval(N, "half = l4.t_quantile(n - 1) * np.std(differences, ddof=1) / np.sqrt(n)", "return half"),
            "the two numbers low, high",
        ),
        (
            interval(
                N,
                MEAN,
                "half = l4.t_quantile(n - 1) * statistics.stdev(differences) / np.sqrt(n)",
                "return mean - half, mean + half",
            ),
            "NameError",
        ),
        (
            interval(
                N,
                MEAN,
                "t = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}.get(n, 1.96)",
                "half = t * np.std(differences, ddof=1) / np.sqrt(n)",
                "return mean - half, mean + half",
            ),
            "Compute it by hand",
        ),
        (interval("low, high = np.percentile(differences, [2.5, 97.5])", "return low, high"), "Compute it by hand"),
    ],
    "L4-3": [
        (claim("return 'better' if (low + high) / 2 > 0 else 'worse'"), "the middle of the interval"),
        (
            claim(
                "mean = (low + high) / 2",
                "if mean > 0:",
                "    return 'better'",
                "elif mean < 0:",
                "    return 'worse'",
                "return 'cannot tell'",
            ),
            "the middle of the interval",
        ),
        (
            claim("if low > 0:", "    return 'worse'", "if high < 0:", "    return 'better'", "return 'cannot tell'"),
            "the other way round",
        ),
        (
            claim("if high > 0:", "    return 'better'", "if low < 0:", "    return 'worse'", "return 'cannot tell'"),
            "Which end must be above 0",
        ),
        (claim("if low > 0:", "    return 'better'", "else:", "    return 'worse'"), "not better is not yet worse"),
        (
            claim("if low < 0 < high:", "    return 'cannot tell'", "return 'better' if low >= 0 else 'worse'"),
            "still holds 0",
        ),
        (
            claim("if low >= 0:", "    return 'better'", "if high < 0:", "    return 'worse'", "return 'cannot tell'"),
            "still holds 0",
        ),
        (claim("if low > 0:", "    return 'better'", "return 'cannot tell'"), "there are three answers"),
        (
            claim("if low > 0:", "    return 'better'", "if low < 0:", "    return 'worse'", "return 'cannot tell'"),
            "Which end must be below 0",
        ),
        (
            claim("if low > 0:", "    return 'Better'", "if high < 0:", "    return 'Worse'", "return 'Cannot tell'"),
            "letter by letter",
        ),
        (claim("return low > 0"), "letter by letter"),
        (claim("if low > 0:", "    return 'better'", "if high < 0:", "    return 'worse'"), "returns nothing"),
        (
            claim(
                "if low > 0:",
                "    print('better')",
                "elif high < 0:",
                "    print('worse')",
                "else:",
                "    print('cannot tell')",
            ),
            "returns nothing",
        ),
        (claim("return 'cannot tell'"), "Does that hold"),
        (
            claim(
                "if low > 0.005:",
                "    return 'better'",
                "if high < -0.005:",
                "    return 'worse'",
                "return 'cannot tell'",
            ),
            "from 0.0004 to 0.002",
        ),
        (
            claim(
                "if round(low, 2) > 0:",
                "    return 'better'",
                "if high < 0:",
                "    return 'worse'",
                "return 'cannot tell'",
            ),
            "from 0.0004 to 0.002",
        ),
        (
            claim(
                "if low > 0:",
                "    return 'better'",
                "if round(high, 2) < 0:",
                "    return 'worse'",
                "return 'cannot tell'",
            ),
            "from -0.002 to -0.0004",
        ),
        (
            claim(
                "if low > 0:",
                "    return 'better'",
                "if high < 0:",
                "    return 'worse'",
                "return 'cannot tell' if high > low else 'better'",
            ),
            "from 0.0 to 0.0",
        ),
        (
            claim(
                "if abs(high - low) > 0.1:",
                "    return 'cannot tell'",
                "if low > 0:",
                "    return 'better'",
                "return 'worse' if high < 0 else 'cannot tell'",
            ),
            "from 0.2 to 0.5",
        ),
        (claim("if low < high:", "    return 'better'", "return 'cannot tell'"), "Does that hold"),
    ],
}
