"""What the paper reports, for showing beside ours.

References
----------
.. [1] Cho et al., "EmoSphere-SER", Interspeech 2025, tables 1 to 3.
"""

# CCC for valence, arousal, dominance and their average; MSP-Podcast, wavlm-large, one run each
PUBLISHED = {
    "full": (0.6952, 0.7482, 0.6220, 0.6884),
    "no_preprocessing": (0.6953, 0.7447, 0.6166, 0.6855),
    "no_style_pooling": (0.6908, 0.7456, 0.6192, 0.6852),
    "no_auxiliary": (0.6845, 0.7349, 0.6210, 0.6801),
    "constant_weight": (0.6951, 0.7405, 0.6267, 0.6875),
    "category_auxiliary": (0.6912, 0.7342, 0.6281, 0.6845),
    "plain_cross_entropy": (0.6968, 0.7352, 0.6308, 0.6876),
    "angle_60": (0.6962, 0.7376, 0.6250, 0.6863),
    "angle_45": (0.6833, 0.7385, 0.6204, 0.6808),
}

# macro F1 and accuracy of the region in per cent
PUBLISHED_REGIONS = {"full": (36.27, 59.51), "angle_60": (17.96, 31.95), "angle_45": (4.77, 16.95)}

# rows of each table, in the paper's order and words
TABLES = {
    "table1": {
        "full": "EmoSphere-SER",
        "no_preprocessing": "w/o data preprocessing",
        "no_style_pooling": "w/o style pooling layer, too",
        "no_auxiliary": "w/o auxiliary loss, too",
    },
    "table2": {
        "constant_weight": "w/o dynamic weighting",
        "category_auxiliary": "w/ categorical recognition",
        "plain_cross_entropy": "w/ cross entropy",
        "full": "EmoSphere-SER (proposed)",
    },
    "table3": {"angle_45": "32 (45°)", "angle_60": "18 (60°)", "full": "8 (90°)"},
}
