#!/bin/sh
# What both tracectl and strace trace, to be compared call by call.
cat /etc/hostname /etc/nonexistent
ls -l /etc/debconf.conf
/usr/bin/python3 -I -S -c 'import os; print(os.path.exists("/etc/passwd"))'
cat /etc/passwd | grep root | wc -l
(echo one; echo two) | sort -r
