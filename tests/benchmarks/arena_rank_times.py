"""What arena-rank takes for the votes of a Parquet file: run by the Python that has it installed, no other.

``PYTHON tests/benchmarks/arena_rank_times.py VOTES.parquet length,headers,lists,bold`` prints JSON: its
ratings, and CPU seconds of this process, all threads, of the second call of each kind, when JAX has compiled
what it can keep. A call starts from the DataFrame, as ours do.
"""

import json
import sys
import time
from importlib.metadata import version

import numpy as np
import pandas as pd
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.models.contextual_bradley_terry import ContextualBradleyTerry
from arena_rank.utils.data_utils import ContextualPairDataset, PairDataset


def points(votes):
    dataset = PairDataset.from_pandas(votes)
    model = BradleyTerry(len(dataset.competitors))
    model.fit(dataset)
    return np.asarray(model.params["ratings"])


def intervals(votes):
    dataset = PairDataset.from_pandas(votes)
    found = BradleyTerry(len(dataset.competitors)).compute_ratings_and_cis(dataset)
    np.asarray(found["rating_upper"])
    return dict(zip(map(str, found["competitors"]), np.asarray(found["ratings"]).tolist(), strict=True))


def style(votes, features):
    """Every vote weighs the same, as in ours; by default it would be weighted by pair."""
    dataset = ContextualPairDataset.from_pandas(votes, feature_cols=features, reweighted=False)
    model = ContextualBradleyTerry(len(dataset.competitors), len(features))
    return np.asarray(model.compute_ratings_and_cis(dataset)["rating_upper"])


def second(work):
    work()
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def main():
    path, features = sys.argv[1], sys.argv[2].split(",")
    votes = pd.read_parquet(path)
    taken, _ = second(lambda: points(votes))
    with_intervals, ratings = second(lambda: intervals(votes))
    with_style, _ = second(lambda: style(votes, features))
    told = {"version": version("arena-rank"), "ratings": ratings}
    print(json.dumps(told | {"points": taken, "intervals": with_intervals, "style": with_style}))


if __name__ == "__main__":
    main()
