"""Keys at rest: sealed with the first key, opened by any, readable for nobody else."""

import pytest

from arena.sealing import SealBroken, seal, unseal

SECRET = "sk-canary-0123456789"


def test_what_is_sealed_is_opened_and_shows_nothing():
    sealed = seal(SECRET, ["one"])
    assert unseal(sealed, ["one"]) == SECRET
    assert "canary" not in sealed
    assert seal(SECRET, ["one"]) != sealed  # two equal keys look different


def test_keys_are_exchanged_by_putting_the_new_one_first():
    sealed = seal(SECRET, ["old"])
    assert unseal(sealed, ["new", "old"]) == SECRET
    with pytest.raises(SealBroken):
        unseal(seal(SECRET, ["new", "old"]), ["old"])


@pytest.mark.parametrize("sealed", ["nonsense", "gAAAAA", "é"])
def test_what_was_changed_is_not_opened(sealed):
    with pytest.raises(SealBroken):
        unseal(sealed, ["one"])


def test_no_key_stays_no_key():
    assert (seal("", ["one"]), unseal("", ["one"])) == ("", "")
