"""A file beside the model, as the image has one."""

import os

import yaml


def read(folder):
    with open(os.path.join(folder, "model.yaml")) as file:
        return yaml.safe_load(file)
