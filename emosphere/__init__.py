"""EmoSphere-SER as a kit: sphere, corpora, model, losses, training, experiments.

Data flows one way: ``corpora`` reads a corpus into one tidy label table, ``sphere`` turns its ratings into regions,
``data`` makes batches, ``model`` predicts, ``losses`` and ``training`` fit, ``prediction`` and ``metrics`` score,
``experiments`` sends many runs through papermill and makes tables, ``plots`` draws any of it.

Nothing is imported here, so that ``emosphere.sphere``, ``.corpora``, ``.metrics`` and ``.plots`` load without torch.
"""
