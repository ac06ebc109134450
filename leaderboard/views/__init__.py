"""Pages of boards, models, judges, submissions and methods. Translate in, one read, translate out."""
