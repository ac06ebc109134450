"""``manage.py register_judge NAME --url URL --model MODEL``"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from arena.models import HostModel
from judging.baselines import BASELINES
from judging.management.named import judge_named
from judging.models import Judge, form_named
from judging.panels import RULES
from judging.protocols import PROTOCOLS
from judging.protocols.pairwise import Pairwise
from judging.services.judges import LIMITS, register_judge, register_panel, served_here


class Command(BaseCommand):
    help = (
        "Register a judge, which then rules on every match of the open benchmarks. The same settings again "
        "change nothing; other settings under the same name make the next version and pause the older one."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "name", help="the judge's name, or the name of a baseline: " + ", ".join(BASELINES)
        )
        parser.add_argument("--url", default="", help="base address of an OpenAI-compatible server, with /v1")
        parser.add_argument("--model", default="", help="model name on that server")
        parser.add_argument(
            "--serve",
            default="",
            metavar="SOURCE",
            help="instead of a URL: a Hugging Face repository or a path that workers with vLLM serve",
        )
        parser.add_argument("--revision", default="", help="of the repository that is served")
        parser.add_argument("--dtype", default="auto", choices=HostModel.DType.values)
        parser.add_argument("--max-model-len", type=int, help="longest prompt and answer together, in tokens")
        parser.add_argument(
            "--constrain",
            action="store_true",
            help="let the server (vLLM) generate nothing but a verdict or grades, by structured output",
        )
        parser.add_argument(
            "--key-variable", default="", help="environment variable of the workers that holds the API key"
        )
        parser.add_argument(
            "--protocol",
            default="",
            help=f"{', '.join(PROTOCOLS)}, or name@hash of a rubric or a custom judge; "
            "default: the form that fits each prompt",
        )
        parser.add_argument("--context", type=int, help="longest prompt and ruling together, in tokens")
        parser.add_argument("--price-in", type=float, help="of a million tokens read")
        parser.add_argument("--price-out", type=float, help="of a million tokens written")
        parser.add_argument("--budget-matches", type=int, help="most matches that it rules on")
        parser.add_argument("--budget-cost", type=float, help="most that its rulings may cost together")
        parser.add_argument("--temperature", type=float, default=0.0)
        parser.add_argument("--max-tokens", type=int, default=1024)
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--description", default="")
        parser.add_argument(
            "--members",
            nargs="+",
            default=(),
            metavar="JUDGE",
            help="instead of a URL: a panel of these judges",
        )
        parser.add_argument("--rule", choices=list(RULES), default="majority", help="of a panel")
        parser.add_argument("--paused", action="store_true", help="register without letting it rule yet")

    def handle(self, *, name: str, **options) -> None:
        fields = {"description": options["description"], "is_active": not options["paused"]}
        if options["members"]:
            self._register(register_panel, name, rule=options["rule"], members=_members(options), **fields)
            return
        fields |= {name: options[name] for name in LIMITS}
        if name in BASELINES and not options["url"]:
            fields |= {"engine": Judge.Engine.BASELINE, "model": name, "sampling": {"seed": options["seed"]}}
        else:
            fields |= _place(options) | {"protocol": options["protocol"], "sampling": _sampling(options)}
        self._register(register_judge, name, **fields)

    def _register(self, register: Callable[..., tuple[Judge, bool]], name: str, **fields: Any) -> None:
        try:
            judge, created = register(name, **fields)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{'Registered' if created else 'Already registered:'} {judge}.")


def _members(options: dict) -> list[Judge]:
    return list(dict.fromkeys(map(judge_named, options["members"])))


def _place(options: dict) -> dict:
    """Where the judge's model answers."""
    if options["serve"] and not options["url"]:
        chosen = {key: options[key] for key in ("revision", "dtype", "max_model_len")}
        return served_here(options["serve"], **chosen)
    if options["serve"] or not (options["url"] and options["model"]):
        raise CommandError(
            "Say where the judge is: --url http://host:port/v1 and --model NAME, or --serve SOURCE."
        )
    return {
        "engine": Judge.Engine.OPENAI,
        "base_url": options["url"],
        "model": options["model"],
        "key_variable": options["key_variable"],
    }


def _sampling(options: dict) -> dict:
    sampling = {key: options[key] for key in ("temperature", "max_tokens", "seed")}
    if options["constrain"]:
        form = form_named(options["protocol"] or Pairwise.name)
        constraint = getattr(form, "constraint", None)
        if constraint is None:
            raise CommandError(f"--constrain has no rule for the protocol {options['protocol']!r}.")
        sampling["structured_outputs"] = constraint
    return sampling
