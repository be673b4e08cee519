#!/bin/sh
# Every system call in turn fails, in each backend.
CC=${CC:-cc} sh tests/fault/fault.sh
