#!/bin/sh
# make plots: draws figures of what make bench has measured, as SVG files that
# the README shows; legible on a light page and on a dark one.
#
#   sh tests/bench/plots.sh FILE.tsv DIRECTORY
#
# Both axes are logarithmic: a straight line is a power, a constant distance a
# constant ratio. A subject's name stands at the end of its line.
tsv=$1
out=$2
if [ ! -f "$tsv" ]; then
    echo "no $tsv: run make bench"
    exit 1
fi
mkdir -p "$out" || exit 1

# plot FILE PREFIX METRIC TITLE X-AXIS: benchmarks PREFIX-N, over N.
plot()
{
    LC_ALL=C awk -F '\t' -v prefix="$2" -v metric="$3" -v title="$4" \
        -v xaxis="$5" '
    function log10(x) { return log(x) / log(10) }
    function down(x,    n) { n = int(x); return n > x ? n - 1 : n }
    function px(x) { return left + (log10(x) - x0) / (x1 - x0) * width }
    function py(y) {
        return top + height - (log10(y) - y0) / (y1 - y0) * height
    }
    function spaced(n) {
        return n < 1000 ? n "" : spaced(int(n / 1000)) \
            sprintf(" %03d", n % 1000)
    }
    function duration(ns) {
        return ns >= 1000000 ? ns / 1000000 " ms" : ns >= 1000 \
            ? ns / 1000 " \302\265s" : ns " ns"
    }
    function text(x, y, class, anchor, words) {
        printf "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" " \
            "text-anchor=\"%s\">%s</text>\n", x, y, class, anchor, words
    }
    function line(xa, ya, xb, yb) {
        printf "<path class=\"grid\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", \
            xa, ya, xb, yb
    }
    $3 == metric && index($1, prefix "-") == 1 \
        && substr($1, length(prefix) + 2) ~ /^[0-9]+$/ && $4 + 0 > 0 {
        n = substr($1, length(prefix) + 2) + 0
        if (!($2 in seen)) { seen[$2] = 1; subjects[++count] = $2 }
        value[$2, n] = $4
        if (!(n in known)) { known[n] = 1; xs[++points] = n }
        if (low == "" || $4 + 0 < low) { low = $4 + 0 }
        if ($4 + 0 > high) { high = $4 + 0 }
    }
    END {
        if (points < 2) { exit 1 }
        for (i = 2; i <= points; i++) {
            for (j = i; j > 1 && xs[j - 1] > xs[j]; j--) {
                swap = xs[j]; xs[j] = xs[j - 1]; xs[j - 1] = swap
            }
        }
        left = 64; top = 44; width = 470; height = 280
        x0 = log10(xs[1]); x1 = log10(xs[points])
        y0 = log10(low) - 0.05; y1 = log10(high) + 0.05
        print "<svg xmlns=\"http://www.w3.org/2000/svg\" " \
            "viewBox=\"0 0 640 380\" font-family=\"sans-serif\" " \
            "font-size=\"13\">"
        print "<title>" title "</title>"
        print "<style>"
        print ".page{fill:#fff}.ink{fill:#1f2328}.grid{stroke:#d8dee4}"
        print "path{fill:none;stroke-width:1.5}.own{stroke-width:3}"
        print ".head{font-size:16px;font-weight:bold}.own-name" \
            "{font-weight:bold}"
        split("limit async.h coarse C++20 libev libuv libevent uvloop " \
            "asyncio threads", names, " ")
        split("#6e7781 #cf222e #cf222e #8250df #1a7f37 #0969da #9a6700 " \
            "#bf3989 #0e7490 #57606a", light, " ")
        split("#9198a1 #ff7b72 #ff7b72 #bc8cff #56d364 #79c0ff #e3b341 " \
            "#ff9bce #56d4dd #b1bac4", dark, " ")
        for (i = 1; i in names; i++) {
            class[names[i]] = "s" i
            printf ".s%d{stroke:%s}.t%d{fill:%s}\n", i, light[i], i, light[i]
        }
        print "@media(prefers-color-scheme:dark){"
        print ".page{fill:#0d1117}.ink{fill:#e6edf3}.grid{stroke:#30363d}"
        for (i = 1; i in names; i++) {
            printf ".s%d{stroke:%s}.t%d{fill:%s}\n", i, dark[i], i, dark[i]
        }
        print "}"
        print "</style>"
        print "<rect class=\"page\" width=\"640\" height=\"380\"/>"
        text(16, 24, "ink head", "start", title)
        # Lines of the grid: at 1, 2 and 5 where there are few decades.
        few = y1 - y0 < 2
        for (k = down(y0); k <= y1; k++) {
            for (m = 1; m <= 5; m += few ? (m == 1 ? 1 : 3) : 9) {
                y = m * 10 ^ k
                if (log10(y) < y0 || log10(y) > y1) { continue }
                line(left, py(y), left + width, py(y))
                text(left - 8, py(y) + 4, "ink", "end", duration(y))
            }
        }
        for (i = 1; i <= points; i++) {
            line(px(xs[i]), top, px(xs[i]), top + height)
            text(px(xs[i]), top + height + 20, "ink", "middle", spaced(xs[i]))
        }
        text(left + width / 2, top + height + 42, "ink", "middle", xaxis)
        for (s = 1; s <= count; s++) {
            name = subjects[s]
            d = ""
            for (i = 1; i <= points; i++) {
                if ((name, xs[i]) in value) {
                    d = d sprintf("%s%.1f %.1f", d == "" ? "M" : "L", \
                        px(xs[i]), py(value[name, xs[i]]))
                    end[name] = xs[i]
                }
            }
            own = name == "async.h" ? " own" : ""
            dash = name == "limit" ? " stroke-dasharray=\"2 4\"" \
                : name == "coarse" ? " stroke-dasharray=\"8 4\"" : ""
            path[name] = sprintf("<path class=\"%s%s\"%s d=\"%s\"/>", \
                class[name], own, dash, d)
            at[name] = py(value[name, end[name]])
            order[s] = name
        }
        for (s = 1; s <= count; s++) {
            if (order[s] != "async.h") { print path[order[s]] }
        }
        if ("async.h" in path) { print path["async.h"] }
        # The names, from the top, none nearer to the next than a line.
        for (i = 2; i <= count; i++) {
            for (j = i; j > 1 && at[order[j - 1]] > at[order[j]]; j--) {
                swap = order[j]; order[j] = order[j - 1]; order[j - 1] = swap
            }
        }
        for (i = 2; i <= count; i++) {
            if (at[order[i]] < at[order[i - 1]] + 15) {
                at[order[i]] = at[order[i - 1]] + 15
            }
        }
        lowest = top + height - 4
        for (i = count; i >= 1; i--) {
            if (at[order[i]] > lowest) { at[order[i]] = lowest }
            lowest = at[order[i]] - 15
        }
        for (i = 1; i <= count; i++) {
            name = order[i]
            shown = name == "coarse" ? "async.h, 1 ms" \
                : name == "threads" ? "POSIX threads" \
                : name == "limit" ? "limit, by hand" : name
            number = substr(class[name], 2)
            text(left + width + 8, at[name] + 4, "t" number \
                (name == "async.h" ? " own-name" : ""), "start", shown)
        }
        print "</svg>"
    }' "$tsv" > "$out/$1.new"
    if [ -s "$out/$1.new" ]; then
        mv "$out/$1.new" "$out/$1"
        echo "$out/$1"
    else
        rm -f "$out/$1.new"
        echo "$tsv knows too little for $out/$1"
    fi
}

plot switch.svg switch time 'Switching between tasks: time of a switch' \
    'tasks that take turns'
plot churn.svg churn time 'Timeouts that never fire: time to renew one' \
    'timeouts that are set'
plot fire.svg fire cpu 'Sleeping and waking: processor time of a sleep' \
    'sleepers'
plot echo.svg echo cpu 'TCP echo: processor time of the server, per request' \
    'connections'
