#!/bin/sh
# Joins the parts named in src/async.h, in that order, into one header on
# standard output, with the licence at its end. It pastes each file once, at the
# line that includes it first, and leaves out their #pragma once.
# Another list, such as that one less the parts that a small project can do
# without, is read from standard input:
#   grep -v 'pool\|group' src/async.h | sh src/join.sh -
list=${1:-async.h}
cd "$(dirname "$0")" || exit 1
awk '
function paste(file,    line, part) {
    if (file in pasted) {
        return
    }
    pasted[file] = 1
    while ((getline line < file) > 0) {
        if (substr(line, 1, 10) == "#include \"") {
            split(line, part, "\"")
            paste(part[2])
        } else if (line != "#pragma once") {
            print line
        }
    }
    close(file)
}
NR == FNR && FILENAME == "banner.txt" { print; next }
substr($0, 1, 10) == "#include \"" {
    split($0, part, "\"")
    paste(part[2])
    next
}
{ print }
END {
    print ""
    print "/*"
    while ((getline line < "../LICENSE") > 0) {
        print line == "" ? " *" : " * " line
    }
    print " */"
}
' banner.txt "$list"
