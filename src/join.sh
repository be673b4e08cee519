#!/bin/sh
# Joins the parts named in src/async.h, in that order, into one header on
# standard output, with the licence at its end. It pastes each file at the line that includes it and leaves
# out what only the parts need: their #pragma once, and their own includes.
cd "$(dirname "$0")" || exit 1
awk '
function paste(file,    line) {
    while ((getline line < file) > 0) {
        if (line == "#pragma once" || substr(line, 1, 10) == "#include \"") {
            continue
        }
        print line
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
' banner.txt async.h
