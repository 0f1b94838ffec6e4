#!/usr/bin/env bash
# Keras on TensorFlow: the same loss of probabilities is another number inside tf.function than outside.
#
# Guess: categorical_crossentropy(labels, tf.nn.softmax(logits)), from_logits=False, clips the probability at 1e-7, so its
#     largest value is -log(1e-7) = 16.118 in every mode.
# Seen: eager 16.118, inside tf.function 50.0, the loss of the logits. In a graph, Keras looks at the operation that made its
#     argument; where that is a softmax (or a sigmoid), it takes that operation's input and no probability at all.
#     A multiplication by 1.0 in between brings 16.118 back. The sparse and the binary loss do the same.
# Why users care: a unit test (eager) and model.fit (a graph) of one line of code train on different losses, with gradients
#     that vanish in one and not in the other; adding a harmless operation behind the softmax changes the training.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet tensorflow-cpu==2.21.0 keras==3.15.1 numpy==2.4.6

cat > "$folder/run.py" <<'PYTHON'
import os
import sys

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
import keras
import tensorflow as tf

logits, labels = tf.constant([[0.0, 50.0]]), tf.constant([[1.0, 0.0]])
losses = {
    "categorical": lambda: keras.losses.categorical_crossentropy(labels, tf.nn.softmax(logits)),
    "sparse": lambda: keras.losses.sparse_categorical_crossentropy(tf.constant([0]), tf.nn.softmax(logits)),
    "binary": lambda: keras.losses.binary_crossentropy(labels[:, :1], tf.sigmoid(-logits[:, 1:])),
    "categorical, times 1.0": lambda: keras.losses.categorical_crossentropy(labels, 1.0 * tf.nn.softmax(logits)),
}
print(f"tensorflow {tf.__version__}, keras {keras.__version__}; the exact loss is 50")
found = {}
for name, loss in losses.items():
    found[name] = (round(float(loss()[0]), 3), round(float(tf.function(loss)()[0]), 3))
    print(f"{name:24} eager {found[name][0]:7}   tf.function {found[name][1]:7}")
expected = dict.fromkeys(("categorical", "sparse", "binary"), (16.118, 50.0)) | {"categorical, times 1.0": (16.118, 16.118)}
sys.exit("changed" if found != expected else 0)
PYTHON
"$folder/environment/bin/python" "$folder/run.py"
