"""What a model's repository holds, looked at before any of it is loaded: on the hub, or in a folder."""

from arena.repositories.contract import Facts, Listing, OutOfReach, Refused
from arena.repositories.places import list_folder, list_hub
from arena.repositories.rules import examine

__all__ = ["Facts", "Listing", "OutOfReach", "Refused", "examine", "list_folder", "list_hub"]
