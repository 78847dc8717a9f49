"""TFRecord files of RLDS / TFDS episodes, read without TensorFlow."""
