"""``manage.py install_judge NAME``: a judge as its authors run it."""

from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from arena.shell import FORMATS, format_rows
from judging.recipes import MANY, PAIR, RECIPES, SINGLE, named
from judging.services.recipes import Known, NotInstalled, Placed, install_judge, known_judges

TABLE = (
    *("judge", "billions", "gpu_gib", "answers", "turns", "reference", "code", "weights"),
    *("installed", "registered"),
)
COLUMNS = ("title", *TABLE, "modes", "sources", "deviations")


class Command(BaseCommand):
    help = (
        "Install a judge as its authors run it: fetch the words of its prompt from their project (one pinned "
        "file, whose hash is checked and of which nothing is run), store them, and register the judge."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("judge", nargs="?", default="", help="see --list")
        parser.add_argument("--list", action="store_true", help="what can be installed, and what is")
        parser.add_argument("--format", default="table", choices=FORMATS, help="of the list")
        parser.add_argument(
            "--source",
            action="append",
            default=[],
            metavar="PATH",
            help="take the pinned file from here, a file or a checkout of the project; do not fetch it",
        )
        parser.add_argument(
            "--model",
            default="",
            metavar="REPO-OR-PATH",
            help="what workers with vLLM serve instead of its own weights; with --url: its name there",
        )
        parser.add_argument("--revision", default="", help="of the repository that is served")
        parser.add_argument(
            "--url", default="", help="an OpenAI-compatible server that has the model, with /v1"
        )
        parser.add_argument(
            "--key-variable", default="", help="environment variable of the workers that holds the API key"
        )
        parser.add_argument(
            "--asks",
            default="",
            choices=["", PAIR, SINGLE, MANY],
            help="about both answers at once, about each by itself, or about many to one prompt at once; "
            "default: a pair where it can",
        )
        parser.add_argument("--name", default="", help="of the registered judge; default: as installed")
        parser.add_argument("--paused", action="store_true", help="register without letting it rule yet")

    def handle(self, *, judge: str, **options) -> None:
        if options["list"]:
            self.stdout.write(_list(options["format"]))
            return
        found = named(judge)
        if found is None:
            raise CommandError(f"There is no recipe for {judge!r}; there are {', '.join(RECIPES)}.")
        recipe, weights = found
        own = weights if weights and not options["model"] else None
        model = own.repository if own else options["model"]
        revision = options["revision"] or (own.revision if own else "")
        if not model:
            raise CommandError(
                f"{judge} is a prompt for any chat model: name one by --model, which workers serve, or by "
                "--url and --model."
            )
        try:
            registered, created = install_judge(
                recipe,
                Placed(model, revision, options["url"], options["key_variable"]),
                paths=[Path(path) for path in options["source"]],
                now=timezone.now(),
                asks=options["asks"],
                name=options["name"] or judge,
                description=f"{recipe.title}, asked and read as its authors do. {recipe.deviations}".strip(),
                is_active=not options["paused"],
            )
        except NotInstalled as error:
            raise CommandError(str(error)) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        said = "Installed" if created else "Already installed:"
        self.stdout.write(f"{said} {registered}, asked by {registered.protocol}.")


def _list(style: str) -> str:
    rows = [_row(known) for known in known_judges()]
    if style != "table":
        return format_rows(rows, COLUMNS, style)
    short = [row | {"billions": row["billions"] and f"{row['billions']:g}"} for row in rows]
    return format_rows(short, TABLE, style)


def _row(known: Known) -> dict:
    recipe, weights = known.recipe, known.weights
    shown = {mode.reference for mode in recipe.forms}
    return {
        "judge": weights.name if weights else recipe.name,
        "title": recipe.title,
        "billions": weights.billions if weights else None,
        "gpu_gib": weights.gpu_gib if weights else None,
        "answers": ", ".join(dict.fromkeys(mode.answers for mode in recipe.forms)),
        "turns": ", ".join(dict.fromkeys(mode.turns.split()[0] for mode in recipe.forms)),
        "reference": "not shown" if shown == {False} else "needed" if shown == {True} else "shown",
        "code": recipe.licence,
        "weights": weights.licence if weights else "any chat model",
        "installed": f"{known.installed.installed_at:%Y-%m-%d}" if known.installed else None,
        "registered": ", ".join(known.judges) or None,
        "modes": recipe.modes,
        "sources": ", ".join(source.url for source in recipe.sources),
        "deviations": recipe.deviations or None,
    }
