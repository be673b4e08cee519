#!/bin/sh
# Every system call in turn fails, in both backends.
CC=${CC:-cc} sh tests/fault/fault.sh
