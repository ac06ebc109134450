"""What a model's repository holds, looked at before any of it is loaded: on the hub, or in a folder."""

from arena.repositories.adapters import FILES as ADAPTER_FILES
from arena.repositories.adapters import examine_adapter
from arena.repositories.contract import AdapterFacts, Facts, Listing, OutOfReach, Refused
from arena.repositories.memory import memory_needed
from arena.repositories.places import fetch_files, list_folder, list_hub
from arena.repositories.rules import examine

__all__ = [
    "ADAPTER_FILES",
    "AdapterFacts",
    "Facts",
    "Listing",
    "OutOfReach",
    "Refused",
    "examine",
    "examine_adapter",
    "fetch_files",
    "list_folder",
    "list_hub",
    "memory_needed",
]
