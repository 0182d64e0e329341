#!/bin/sh
# workload.sh FILE ROUNDS APP=COUNT...: runs each application a round, COUNT units of its work, and
# writes lines as bench/kernel's workload does: name, units, ns that the CPU was busy, and 0. The first
# line of an application is a warming-up.
set -eu
exec 3>"$1"
rounds=$2
shift 2
here=/dev/shm/apps
mkdir -p $here

# Waiting for files of the host is not the application's time, nor the tracer's.
now() {
	read -r up idle </proc/uptime
	busy=$((${up%.*} * 100 + 1${up#*.} - ${idle%.*} * 100 - 1${idle#*.}))
}

await() {
	until "$@" >/dev/null 2>&1; do sleep 0.05; done
}

dd_() {
	dd if=/dev/zero of=/dev/null bs=1 count="$1" 2>/dev/null
}

begin_redis() {
	redis-server --port 0 --unixsocket $here/redis --save '' --daemonize yes >/dev/null
	await redis-cli -s $here/redis ping
}

redis() {
	redis-benchmark -s $here/redis -n "$1" -c 4 -t get -q >/dev/null
}

end_redis() {
	redis-cli -s $here/redis shutdown nosave
}

begin_build() {
	for i in 1 2 3 4 5 6 7 8; do
		printf '#include <stdio.h>\nint f%d(void) { return puts("%d"); }\n' $i $i >$here/$i.c
	done
	printf '%%.o: %%.c\n\tgcc -c -o $@ $<\n' >$here/Makefile
	# The first takes eight times as long as the seventh, the second twice as long.
	for _ in 1 2 3 4 5 6 7 8; do build 4; done
}

build() {
	objects=$(seq -f '%g.o' "$1")
	# shellcheck disable=SC2086
	make -s -j2 -B -C $here $objects
}

sqlite() {
	rm -f $here/db
	{
		echo 'create table t (a integer primary key, b text);'
		seq -f "insert into t values (%g, 'some text');" "$1"
	} | sqlite3 $here/db
}

begin_nginx() {
	printf '%s\n' 'worker_processes 1; error_log /dev/null; pid /dev/shm/apps/nginx.pid;' \
		'events {}' \
		'http { access_log off; server { listen 127.0.0.1:8080; root /dev/shm/apps; } }' \
		>$here/nginx.conf
	echo hello >$here/index.html
	chmod 755 $here
	nginx -c $here/nginx.conf
	await test -s $here/nginx.pid
}

# It goes on for a time: what is counted are the requests it made.
nginx_() {
	wrk -t1 -c4 -d"$1"s http://127.0.0.1:8080/ >$here/wrk
	done_=$(sed -n 's/^ *\([0-9]*\) requests in.*/\1/p' $here/wrk)
}

end_nginx() {
	nginx -c $here/nginx.conf -s stop
	await test ! -e $here/nginx.pid
}

for pair; do
	app=${pair%=*} count=${pair#*=}
	case $app in
	redis | build | nginx) begin_$app ;;
	esac
	round=0
	while [ $round -le "$rounds" ]; do
		done_=$count
		now
		from=$busy
		case $app in
		dd | nginx) ${app}_ "$count" ;;
		*) $app "$count" ;;
		esac
		now
		echo "$app $done_ $(((busy - from) * 10000000)) 0" >&3
		round=$((round + 1))
	done
	case $app in
	redis | nginx) end_$app ;;
	esac
done
