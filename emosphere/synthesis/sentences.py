"""What the speakers say: everyday sentences, neutral ones and ones whose words tell the valence."""

import numpy as np

NEUTRAL = (
    "The meeting starts at nine in the morning.",
    "She put the book on the kitchen table.",
    "There are two chairs in the hall.",
    "He will call again this afternoon.",
    "The next bus leaves in ten minutes.",
    "I have to go to the post office.",
    "They are waiting outside the station.",
    "We talked about it on Monday.",
    "The letter is lying on the desk.",
    "You can leave the door open.",
    "It is about five miles from here.",
    "My brother works in the city.",
    "The shop on the corner is closed.",
    "I will tell him when he comes.",
    "She has been here since Tuesday.",
    "The window looks out on the garden.",
    "We are taking the early train.",
    "He said that he would write.",
    "The bags are still in the car.",
    "I think it is in the drawer.",
    "The children are in the next room.",
    "Somebody left a note for you.",
    "You know what they said about it.",
    "It takes an hour by bicycle.",
    "That is what I wanted to say.",
    "The lights are on upstairs.",
    "I saw them at the market today.",
    "He is talking on the telephone.",
    "We can do it another time.",
    "She asked me to bring the keys.",
    "The water is nearly boiling now.",
    "There was nobody in the office.",
    "I am going to read it tonight.",
    "They moved here a year ago.",
    "The papers are in the blue folder.",
    "He turned left at the bridge.",
    "You have to sign it at the bottom.",
    "We meet them every other week.",
    "It will be ready by Thursday.",
    "The film begins at half past eight.",
    "I put your coat on the hook.",
    "She went down to the river.",
    "The road goes through the village.",
    "They want to see it for themselves.",
    "He is looking for the other one.",
    "The number is on the back.",
    "I thought that you were at work.",
    "We need some bread and milk.",
)

POSITIVE = (
    "This is wonderful news.",
    "I love it, thank you so much.",
    "What a beautiful day it is.",
    "That was a really great idea.",
    "I am so happy to see you.",
    "It went better than we hoped.",
    "You did a wonderful job today.",
    "We had such a lovely time.",
    "I am really proud of you.",
    "That is the best thing I have heard.",
    "Great, we won the first prize.",
    "The food was absolutely delicious.",
    "I love the way you sing.",
    "It is so good to be home.",
    "They were kind and very friendly.",
    "What a lovely surprise this is.",
)

NEGATIVE = (
    "This is terrible news.",
    "I hate it when that happens.",
    "What an awful day it is.",
    "That was a really bad idea.",
    "I am so sorry about your loss.",
    "It went worse than we feared.",
    "You have ruined the whole evening.",
    "We had such a horrible time.",
    "I am really disappointed in you.",
    "That is the worst thing I have heard.",
    "No, we lost everything we had.",
    "The food was absolutely disgusting.",
    "I hate the way he talks.",
    "It hurts more than before.",
    "They were cruel and very rude.",
    "What a horrible mess this is.",
)

REPLIES = (
    "All right.",
    "Yes, I see.",
    "Oh, really?",
    "I know that.",
    "Not today.",
    "Well, maybe.",
    "Say that again.",
)
"""What a second voice says."""


def choose(valence: float, rng: np.random.Generator) -> str:
    """A sentence for a valence from -1 to 1, which its words tell with a probability of up to 0.9 at the ends."""
    telling = rng.random() < min(0.9, 1.5 * abs(valence))
    pool = NEUTRAL if not telling else POSITIVE if valence > 0 else NEGATIVE
    return pool[rng.integers(len(pool))]
