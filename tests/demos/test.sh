#!/bin/sh
# The demos and their transcripts, see demos/test.sh.
exec sh demos/test.sh
