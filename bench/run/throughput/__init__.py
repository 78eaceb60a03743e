"""Measure speed alone: windows of work on an idle machine, its peaks, its energy."""
