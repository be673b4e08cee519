#!/bin/sh
# Makes the table and the .tsv file of run.sh from its raw results.
#
#   sh tests/bench/table.sh RAW FILE.tsv REACH
LC_ALL=C awk -F '\t' -v tsv="$2" '
function median(list, n,    i, j, t) {
    for (i = 2; i <= n; i++) {
        t = list[i]
        for (j = i - 1; j >= 1 && list[j] > t; j--) {
            list[j + 1] = list[j]
        }
        list[j + 1] = t
    }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}
# Three significant digits, and never an exponent.
function short(x) {
    return sprintf(x >= 100 ? "%.0f" : x >= 10 ? "%.1f" : "%.2f", x)
}
function title(subject) {
    return subject == "async" ? "async.h" : subject == "cxx20" ? "C++20" \
        : subject
}
function put(row, subject, metric, value, ratio) {
    split(row, part, SUBSEP)
    printf "%s\t%s\t%s\t%.6g\t%s\t%s\n", part[1], title(subject), metric, \
        value, unit[row], ratio == "" ? "" : sprintf("%.4f", ratio) > tsv
}
FILENAME == ARGV[1] && /^#/ { next }
FILENAME == ARGV[1] {
    reach_of[$1, $2] = $3
    reach[$1, $2] = $4
    next
}
{
    row = $3 SUBSEP $4
    if (!(row in unit)) {
        rows[++row_count] = row
        name_of[row] = $3
        metric_of[row] = $4
        if (!($3 in name_seen)) {
            name_seen[$3] = 1
            names[++name_count] = $3
        }
    }
    unit[row] = $6
    value[row, $2, $1] = $5
    if (!((row, $2) in best) || $5 + 0 < best[row, $2]) {
        best[row, $2] = $5 + 0
    }
    if ($1 > most[row]) {
        most[row] = $1
    }
    if (!($2 in subject_seen)) {
        subject_seen[$2] = 1
        subjects[++subject_count] = $2
    }
}
END {
    print "benchmark\tsubject\tmetric\tvalue\tunit\tratio to the limit" > tsv
    form = "%-24s %-13s %-8s %9s %9s %7s %7s  %s\n"
    printf form, "benchmark", "metric", "subject", "limit", "subject", \
        "ratio", "best", "to reach"
    for (k = 1; k <= name_count; k++) {
        for (r = 1; r <= row_count; r++) {
            row = rows[r]
            if (name_of[row] != names[k]) {
                continue
            }
            limit = ""
            for (s = 1; s <= subject_count; s++) {
                subject = subjects[s]
                n = m = 0
                for (i = 1; i <= most[row]; i++) {
                    if ((row, subject, i) in value) {
                        v[++n] = value[row, subject, i]
                        if (value[row, "limit", i] + 0 > 0) {
                            q[++m] = v[n] / value[row, "limit", i]
                        }
                    }
                }
                if (n == 0) {
                    continue
                }
                middle = median(v, n)
                ratio = m > 0 ? median(q, m) : ""
                put(row, subject, metric_of[row], middle, ratio)
                lowest = ""
                if (n > 1) {
                    if (best[row, "limit"] > 0) {
                        lowest = best[row, subject] / best[row, "limit"]
                    }
                    put(row, subject, metric_of[row] "-best",
                        best[row, subject], lowest)
                }
                if (subject == "limit") {
                    limit = short(middle)
                    only = row
                    continue
                }
                only = ""
                wanted = ""
                if (subject == "async" && row in reach) {
                    got = reach_of[row] == "ratio" ? ratio : middle
                    wanted = "<= " reach[row] \
                        (reach_of[row] == "ratio" ? " x" : " " unit[row])
                    if (got != "") {
                        wanted = wanted \
                            (got + 0 <= reach[row] + 0 ? "  yes" : "  NO")
                    }
                }
                printf form, names[k], \
                    metric_of[row] (unit[row] == "" ? "" : ", " unit[row]), \
                    title(subject), limit, short(middle), \
                    ratio == "" ? "" : sprintf("%.2f", ratio), \
                    lowest == "" ? "" : sprintf("%.2f", lowest), wanted
            }
            if (only == row) {
                printf form, names[k], \
                    metric_of[row] (unit[row] == "" ? "" : ", " unit[row]), \
                    "", limit, "", "", "", ""
            }
        }
    }
    printf "\nTimes are medians of repetitions in which the subjects took " \
        "turns. Written to %s\n", tsv
}' "$3" "$1"
