"""The nearest articles of each by document vector, in its own writing (language and script) and in others.

    search.py    nearest: all of the below in order, in this process
    steps.py     vectors in whole steps, so that every product is exact
    blocks.py    how much is held at once
    exact.py     each with each, and some among others
    draw.py      which articles are drawn for a sample, told of each article by itself
    space.py     half whitening
    tables.py    the cells of a table, and in which an article lies and looks
    meetings.py  which articles of a cell are compared, and what they find
    finds.py     what was found, merged

Up to ``EXACT_LIMIT`` articles are compared each with each: a product of matrices. Beyond, that product would grow with
the square of their number, and an index says which are compared, in three steps:

* *space*: each writing's mean in the run is taken out and the vectors are half whitened, that is, multiplied by the
  covariance to the power of minus a quarter (whitening: Su et al. 2021, arXiv:2103.15316; that part of it serves better
  than the whole: Diera et al. 2024, arXiv:2411.17538). What all articles of a run share says nothing. Of documentation
  held out from calibration an exact search then finds 94.5 % of the pairs of translations rather than 85.6 %; of texts
  with more translations than ten neighbours can hold a little fewer, but one at least of more texts.
* *tables*: in each of ``TABLES`` tables the space is cut into cells, each around the mean of some articles drawn anew
  for each table (k-means: Lloyd 1982). An article lies in the cell of the nearest mean and is compared with those in
  its ``PROBES`` nearest cells (multi-probe: Lv et al. 2007). Neighbours that a border parts in one table are in one
  cell of another (locality-sensitive hashing: Indyk and Motwani 1998; by nearest means: Pauleve, Jegou and Amsaleg
  2010).
* *ranks*: of all articles that an article was compared with, the nearest by the product in that space.

The work for an article grows with the square root of their number. What the index finds of what an exact search finds,
and of what is right, ``scripts/compare_neighbours.py`` measures. Tables, probes and sizes of cells were chosen on made
corpora of 10,000 and 100,000 records, whose sentences are those of all of NTREX, articles held out from calibration
among them. All products are of whole numbers, so that neither the size of blocks nor the number of threads nor the
processor can change a neighbour by a rounding error.

Each step is a function of a part of the articles and of what earlier steps made of all (means, a matrix, a draw, the
means of cells): articles may be cut into parts in any way, and the outcome is the same to the bit. An article is named
by its position, 0 to all - 1, in the order of ids; a writing by its code, its place among the run's writings.
"""

from dedup.neighbours.exact import nearest_among
from dedup.neighbours.search import EXACT_LIMIT, Neighbours, nearest
from dedup.neighbours.space import half_whitened
from dedup.neighbours.steps import whole_steps

__all__ = ["EXACT_LIMIT", "Neighbours", "half_whitened", "nearest", "nearest_among", "whole_steps"]
