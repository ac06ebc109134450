"""What stands in every export, for whoever finds the file."""

README = """Snapshot {number} of an arena of language models
taken {taken_at}

What this is
    Every board of the site as it stood, and every game from which the boards follow. Nothing in it depends on
    the site: fitted again, the games give the same figures.

What is in it
    snapshot.json         what was taken, by which code and settings; models, prompts and judges as they were
                          called; for each board what was counted; the SHA-256 of every file
    NAME/people.csv       votes on the benchmark NAME, in the order in which they were given: the two models,
                          who won, the prompt, the voter, the match
    NAME/judge-*.csv      rulings of one judge, one row a match and turn: shares of a win, a loss and a tie of
                          model_a (a judge is asked in both orders, and each is half of a game)
    NAME/styles.csv       what the answers of each match look like: characters, headings, list items, bold
                          spans, blocks of code, of the first model's answer (_a) and of the second's (_b)
    NAME/boards/*.csv     the boards: rank, its range, the range that holds for all models at once, how many
                          others a model cannot be told from, rating with its interval, score, matches
    Models stand by their slug. Prompts are numbered from 0 as they stand in snapshot.json.

Who voted
    Voters are numbers, given by first appearance. No name, address or account is in this file. Somebody who
    remembers how they voted can still find their own number.

How to check it
    python manage.py check_snapshot FILE
    fits every board again and compares every digit. It needs the code of the site, of the commit named in
    snapshot.json where that is known, and no database. Other versions of numpy and scipy, or another kind of
    processor, may differ in the last digits; the command says by how much.

How to use it elsewhere
    python manage.py rate NAME/people.csv --cluster voter
    and any other program that reads CSV. Ratings are on the {scale}.
    Interval: {level:.0%}.
"""
