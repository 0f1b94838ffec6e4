"""The machine: arrays, ulps, clocks, frameworks, results; knows no exact maths, chooses no inputs."""
