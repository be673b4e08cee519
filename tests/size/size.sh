#!/bin/sh
# How many bytes async.h takes on microcontrollers, beside the same blink by
# hand: a table, and build/size.tsv. Called by `make size`.
. tests/size/targets.sh
raw=$out/raw.txt
: > $raw

for target in $targets; do
    if ! have "$target"; then
        echo "$target is left out: no $(prefix "$target")gcc"
        continue
    fi
    build_all "$target" || exit 1
    while read -r name rest; do
        case $name in
            core) # the functions of async.h alone, without their user's
                echo "$target $name $(symbols "$target" core | awk '
                    $2 ~ /[tT]/ && $3 ~ /^async_/ { flash += $1 }
                    $2 ~ /[bBdD]/ && $3 ~ /^async_/ { ram += $1 }
                    END { print flash, ram }')"
                ;;
            structs)
                symbols "$target" structs | awk -v target="$target" '
                    sub(/^sizeof_/, "", $3) { print target, $3, "-", $1 }'
                ;;
            *) echo "$target $name $(bytes "$target" "$name")" ;;
        esac
    done << END >> $raw
$(programs)
END
done

awk -v tsv=build/size.tsv '
function put(target, name, flash, ram,    wanted, got) {
    wanted = ""
    if ((target, name) in reach) {
        split(reach[target, name], most, "/")
        got = (most[1] == "" || flash + 0 <= most[1] + 0) \
            && (most[2] == "" || ram + 0 <= most[2] + 0)
        wanted = "<= " (most[1] == "" ? "" : most[1]) \
            (most[1] != "" && most[2] != "" ? " / " : "") most[2]
    }
    printf "%-11s %-22s %6s %5s   %s\n", target, name, flash, ram, \
        wanted == "" ? "" : wanted (got ? "  yes" : "  NO")
    printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", target, name, flash, ram, \
        at[target, "async_task"], at[target, "async_frame"], wanted > tsv
}
FILENAME == ARGV[1] {
    if ($0 !~ /^#/) {
        split($0, part, "\t")
        reach[part[1], part[2]] = part[3] "/" part[4]
    }
    next
}
{
    flash_of[$1, $2] = $3
    at[$1, $2] = $4
    row[++rows] = $1 SUBSEP $2
}
END {
    print "target\tconfiguration\tflash\tRAM\tRAM per task\tRAM per frame" \
        "\treach" > tsv
    printf "%-11s %-22s %6s %5s   %s\n", "target", "configuration", "flash", \
        "RAM", "to reach"
    for (i = 1; i <= rows; i++) {
        split(row[i], part, SUBSEP)
        target = part[1]
        name = part[2]
        if (name == "empty") {
            if (i > 1) {
                print ""
            }
            continue
        }
        if (flash_of[target, name] == "-") {
            put(target, name, "", at[target, name])
            continue
        }
        base = name ~ /^(superloop|byhand|blink|program|program-step|core)$/ \
            ? "empty" : "program"
        if (name == "core") {
            put(target, name, flash_of[target, name], at[target, name])
        } else {
            put(target, (base == "program" ? "+ " : "") name, \
                flash_of[target, name] - flash_of[target, base], \
                at[target, name] - at[target, base])
        }
    }
    print ""
    print "superloop, byhand, blink: bytes over an empty main, the tick " \
        "interrupt included; the"
    print "loop of blink stands on the stack of main, see async_loop. " \
        "core: the functions alone of"
    print "a program that spawns, runs, sleeps, yields and cancels; " \
        "program: with that program;"
    print "program-step: it calls async_loop_step instead. A + is what the " \
        "program grows by when"
    print "it uses that too; + run takes the place of open, spawn and run."
    print "Written to " tsv
}' $here/reach.tsv $raw
