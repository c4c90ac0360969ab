"""The settings that only the SE(3)-Transformer has."""

import pytest

from demetar import models
from demetar.errors import InputError
from demetar.nn.init import initialise
from demetar.probe import probe


def test_heads_divide_the_channels_of_keys() -> None:
    model = models.create("se3_transformer", width=8, div=4, heads=4)
    with pytest.raises(InputError, match="div · heads"):
        initialise(model, probe({}))
