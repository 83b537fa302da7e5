"""The command line: ``python -m sknn`` compares sknn with scikit-learn's models."""

import argparse
import sys

from .comparison import compare, digits
from .tables import TableError, load_problem


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, optional
        The arguments, by default those of the process.

    Returns
    -------
    int
        The exit status: 0, 2 for arguments or a table that cannot be used, or 130
        when interrupted. As in argparse, unusable arguments raise `SystemExit`.
    """
    args = _parser().parse_args(argv)
    try:
        compare(args.pose(args), args.seed)
    except TableError as error:
        print(f"sknn: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("sknn: interrupted", file=sys.stderr)
        return 130
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"sknn: error: {message}; see {self.prog} --help\n")


def _parser():
    parser = _Parser(
        prog="python -m sknn",
        usage="%(prog)s [-h] [compare FILE.csv --target COLUMN ...]",
        description="Fit sknn's networks, search a small grid, and print a table "
        "against scikit-learn's models: score on held-out rows, seconds to fit, "
        "seconds to compile. Without a command, on the digits data.",
        epilog="Progress goes to stderr, the table to stdout. Exit status: 0, or 2 "
        "with one line on stderr when the arguments or the table cannot be used.",
    )
    parser.set_defaults(pose=lambda args: digits(), seed=0)
    commands = parser.add_subparsers(metavar="command", prog=parser.prog)
    _add_compare(commands)
    return parser


def _add_compare(commands):
    command = commands.add_parser(
        "compare",
        help="the same on the rows of a CSV file",
        description="Compare the models on the rows of a CSV file: UTF-8 text with a "
        "header, numeric and text columns, missing values (empty, ?, NA, N/A, NaN, "
        "null, None, infinite).",
    )
    command.add_argument("path", metavar="FILE.csv", help="the CSV file")
    command.add_argument(
        "--target", required=True, metavar="COLUMN", help="the column to predict"
    )
    command.add_argument(
        "--task",
        choices=["auto", "classification", "regression"],
        default="auto",
        help="what to do with the target; auto takes text, and integers of few "
        "distinct values, for classes (default: auto)",
    )
    command.add_argument(
        "--seed", type=_seed, default=0, help="a whole number from 0 (default: 0)"
    )
    command.set_defaults(
        pose=lambda args: load_problem(args.path, args.target, args.task)
    )


def _seed(text):
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 0 to {2**32 - 1}"
        )
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
