"""The forms whose words are in the database: what a judge names by ``name@hash``."""

from judging.models.custom import CustomJudge
from judging.models.recipes import InstalledRecipe
from judging.models.rubrics import Rubric
from judging.protocols import PROTOCOLS, JudgingProtocol
from judging.recipes import RECIPES, InstalledProtocol


def form_named(protocol: str) -> JudgingProtocol | None:
    """The form of that name, ours or a stored one; None where there is none."""
    if form := PROTOCOLS.get(protocol):
        return form
    if rubric := Rubric.objects.behind(protocol):
        return rubric.form()
    if custom := CustomJudge.objects.behind(protocol):
        return custom.form()
    name, _, asks = protocol.partition("@")[0].partition("/")
    recipe, found = RECIPES.get(name), InstalledRecipe.objects.behind(protocol)
    if recipe is None or found is None or not recipe.judges(asks or recipe.asks):
        return None
    return InstalledProtocol(protocol, recipe, found.texts, asks or recipe.asks)
