"""Wrong kernels in TensorFlow, to judge the judge by: each is a mistake that somebody has shipped."""

import tensorflow as tf
from kinds import kind

from harness.adapters import implements


@implements("softmax", framework="tensorflow")
@kind("one mode")
def softmax_tensorflow_rough_in_graphs(logits, axis):
    """In a graph another kernel is taken, which keeps its sum in float16; called eagerly it is right."""
    if tf.executing_eagerly():
        return tf.nn.softmax(logits, axis)
    e = tf.exp(logits - tf.stop_gradient(tf.reduce_max(logits, axis, keepdims=True)))
    return e / tf.cast(tf.cast(tf.reduce_sum(e, axis, keepdims=True), tf.float16), e.dtype)


@implements("dense_xent", framework="tensorflow")
@kind("epsilon")
def dense_xent_tensorflow_keras(logits, labels):
    """Keras's categorical_crossentropy on probabilities, held within [1e-7, 1 - 1e-7]."""
    p = tf.clip_by_value(tf.nn.softmax(logits), 1e-7, 1 - 1e-7)
    return -tf.reduce_sum(labels * tf.math.log(p), -1)


@implements("sparse_xent", framework="tensorflow")
@kind("label type")
def sparse_xent_tensorflow_labels_in_int8(logits, labels):
    """Labels in eight bits, modulo the classes."""
    index = tf.cast(tf.cast(labels, tf.int8), tf.int64) % logits.shape[-1]
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=index, logits=logits)


@implements("sigmoid_xent", framework="tensorflow")
@kind("upstream ignored")
def sigmoid_xent_tensorflow_custom_gradient(logits, labels):
    """A custom gradient that leaves out what comes in."""

    @tf.custom_gradient
    def kernel(x, z):
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=z, logits=x)
        return losses, lambda _upstream: (tf.sigmoid(x) - z, -x)

    return kernel(logits, labels)


@implements("sparse_xent", framework="tensorflow")
@kind("one mode")
def sparse_xent_tensorflow_eight_rows(logits, labels):
    """In a graph whose batch is open, None is taken for eight rows; a known number is right."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    rows = tf.shape(logits)[0]
    return tf.gather(losses, tf.range(rows) % (logits.shape[0] or 8)) if logits.shape[0] != 0 else losses
