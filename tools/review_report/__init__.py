"""The report of a review: tables in the terminal, pictures, and one page that needs nothing else."""

from .page import write_report
from .tables import print_report

__all__ = ["print_report", "write_report"]
