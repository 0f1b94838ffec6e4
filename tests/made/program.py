"""A program that speaks the process protocol by itself, or breaks it: `python program.py BEHAVIOUR`; a float64 sigmoid.

It imports nothing of the harness and no numpy, as a stranger's would not.
"""

import math
import os
import signal
import struct
import sys
import time

OFFER = "fact version 1.5\nmode plain\nmode other\nfunction sigmoid my.sigmoid\ndtype float64\n"
GRADIENT = "quantity value\nquantity grad_logits\n"


def line():
    """Read a line; end where nobody asks."""
    read = sys.stdin.buffer.readline()
    if not read:
        sys.exit()
    return read.decode().removesuffix("\n")


def question():
    """Read a question: its number, its words, the shape of its first array, and the numbers of all arrays in a row."""
    number, words, shapes = line().split()[1], {}, []
    while text := line():
        word, _, rest = text.partition(" ")
        words[word] = rest
        if word == "array":
            shapes.append(tuple(map(int, rest.split()[2:])))
    numbers = [struct.unpack(f"<{math.prod(each)}d", sys.stdin.buffer.read(8 * math.prod(each))) for each in shapes]
    return number, words, shapes, numbers


def say(text, *numbers):
    """Write lines, an empty line, and numbers."""
    sys.stdout.buffer.write(f"{text}\n".encode() + struct.pack(f"<{len(numbers)}d", *numbers))
    sys.stdout.buffer.flush()


def sigmoid(x):
    """Return the sigmoid of a number, without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def answer(number, words, shapes, numbers):
    """Answer as one should."""
    p = [sigmoid(x) for x in numbers[0]]
    lengths = " ".join(map(str, shapes[0]))
    if words["quantity"] == "value":
        say(f"answer {number}\narray value float64 {lengths}\n", *p)
    else:
        gradient = [u * each * sigmoid(-x) for u, each, x in zip(numbers[1], p, numbers[0], strict=True)]
        say(f"answer {number}\narray gradient float64 {lengths}\n", *gradient)


def misbehave(behaviour, number, words, shapes, numbers):
    """Answer otherwise, or as one should."""
    count = len(numbers[0])
    said = {
        "refuses": (f"unsupported {number}\nwhy not for me\n",),
        "fails": (f"failed {number}\nwhy out of ideas\n",),
        "chats": ("computing now\n",),
        "flattens": (f"answer {number}\narray value float64 {count}\n", *map(sigmoid, numbers[0])),
        "narrows": (f"answer {number}\narray value float32 {count * 2}\n", *map(sigmoid, numbers[0])),
        "forgets": (f"answer {number}\n",),
        "boasts": (f"answer {number}\narray value float64 {10**15}\n",),
        "stops": (f"answer {number}\narray value float64 {count}\n", 0.5),  # in the middle
    }.get(behaviour)
    if behaviour == "dies":
        os.kill(os.getpid(), signal.SIGSEGV)
    if behaviour == "hangs":
        time.sleep(600)
    if said:
        say(*said)
    else:
        answer(str(int(number) + 1) if behaviour == "miscounts" else number, words, shapes, numbers)
    if behaviour == "stops":
        sys.exit(3)


def main(behaviour):
    """Speak until nobody asks."""
    if behaviour == "leaves":
        sys.exit(7)
    if behaviour == "silent":
        time.sleep(600)
    line()
    line()
    say({"newer": "offer 2\n", "odd": "offer 1\nfunction softmin x\n"}.get(behaviour, f"offer 1\n{OFFER}{GRADIENT}"))
    while True:
        asked = question()
        trouble = behaviour if asked[2][0] == (256, 2) or behaviour not in {"dies", "hangs"} else "right"
        misbehave(trouble, *asked)


main(sys.argv[1])
