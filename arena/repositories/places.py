"""Where repositories are: the model hub, and folders of this host."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from huggingface_hub import HfApi, get_session, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

from arena.repositories.contract import Listing, OutOfReach, Refused

SECONDS = 20.0


def list_folder(folder: Path) -> Listing:
    """A folder that holds a model. Raises OSError."""
    files = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}

    def piece(name: str, start: int, length: int) -> bytes:
        with (folder / name).open("rb") as file:
            file.seek(start)
            return file.read(length)

    return Listing(str(folder), "", files, lambda name: (folder / name).read_bytes(), piece)


def list_hub(repository: str, revision: str = "", *, endpoint: str | None = None) -> Listing:
    """A repository of the hub at the commit that a branch, tag or commit stands for now.

    The account is that of HF_TOKEN; ``endpoint`` is another hub's address (HF_ENDPOINT). Raises Refused, and
    OutOfReach.
    """
    api = HfApi(endpoint=endpoint)
    with _in_our_words(repository, revision):
        info = api.model_info(repository, revision=revision or None, files_metadata=True, timeout=SECONDS)
    commit = info.sha or ""

    def read(name: str) -> bytes:
        with _in_our_words(repository, revision):
            path = api.hf_hub_download(repository, name, revision=commit, etag_timeout=SECONDS)
            return Path(path).read_bytes()

    def piece(name: str, start: int, length: int) -> bytes:
        url = hf_hub_url(repository, name, revision=commit, endpoint=endpoint)
        headers = build_hf_headers() | {"Range": f"bytes={start}-{start + length - 1}"}
        found = b""
        with (
            _in_our_words(repository, revision),
            get_session().stream("GET", url, headers=headers, timeout=SECONDS) as answer,
        ):
            hf_raise_for_status(answer)
            before = 0 if answer.status_code == HTTPStatus.PARTIAL_CONTENT else start
            for part in answer.iter_bytes():
                found += part
                if len(found) >= before + length:  # a hub that knows no ranges would send all of the file
                    break
        return found[before : before + length]

    if info.disabled:
        raise Refused("no_such_model", f"The model hub has disabled {repository}; choose another one.")
    named = f"{repository}@{revision}" if revision else repository
    files = {each.rfilename: each.size or 0 for each in info.siblings or ()}
    licence = (info.card_data.to_dict() if info.card_data else {}).get("license")
    return Listing(named, commit, files, read, piece, licence if isinstance(licence, str) else "")


def fetch_files(repository: str, commit: str, names: Sequence[str], *, endpoint: str | None = None) -> Path:
    """The folder on this host that holds these files of a repository. Raises Refused, and OutOfReach."""
    api = HfApi(endpoint=endpoint)
    with _in_our_words(repository, commit):
        paths = [api.hf_hub_download(repository, name, revision=commit) for name in names]
    return Path(paths[0]).parent


@contextmanager
def _in_our_words(repository: str, revision: str) -> Iterator[None]:
    """Turn the hub's errors into ours; the most specific stand first, because some are kinds of others."""
    try:
        yield
    except GatedRepoError as error:
        words = "accept its terms on the model hub and give the workers that account's HF_TOKEN"
        raise Refused("gated_model", f"{repository} is gated: {words}.") from error
    except LocalEntryNotFoundError as error:
        raise OutOfReach("The model hub is out of reach; it is asked again.") from error
    except (RevisionNotFoundError, EntryNotFoundError) as error:
        words = (
            f"has no revision {revision or 'like that'} on the model hub; give a branch, a tag or a commit"
        )
        raise Refused("no_such_revision", f"{repository} {words}.") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        words = "or it is private; check the name, and the workers' HF_TOKEN"
        raise Refused("no_such_model", f"The model hub has no {repository}, {words}.") from error
    except (HTTPError, OSError) as error:
        words = f"The model hub is out of reach ({type(error).__name__}); it is asked again."
        raise OutOfReach(words) from error
