"""From scores and Dice to tables, figures and one report.

`agreement`, `chance_agreement` and `sample_size` need numpy and scipy only, and are what the web service imports. All
other modules need the extra `analysis` (pandas, matplotlib, statsmodels).
"""
