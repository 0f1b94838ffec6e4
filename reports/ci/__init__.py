"""A run as continuous integration reads it: JUnit XML, a step summary, annotations, a badge."""
