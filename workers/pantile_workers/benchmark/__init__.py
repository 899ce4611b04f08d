"""The benchmark: the whole pipeline on an ROI of the study's size, beside the pipeline that it replaces."""
