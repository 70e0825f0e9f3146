#!/bin/sh
# Runs ZooKeeper as the public image's command of this name does: zkServer.sh [--config FOLDER] start-foreground [FILE].
# It reads ZOOCFGDIR, ZK_SERVER_HEAP (in MB), JVMFLAGS and SERVER_JVMFLAGS. Logs go to standard output.
set -e
folder=${ZOOCFGDIR:-/conf}
if [ "$1" = --config ]; then
	folder=$2
	shift 2
fi
case "$1" in
start-foreground) ;;
version) exec java -cp /usr/share/java/zookeeper.jar org.apache.zookeeper.version.VersionInfoMain ;;
*)
	echo "this stand-in knows start-foreground and version, not '$1'" >&2
	exit 2
	;;
esac
file=${2:-zoo.cfg}
case "$file" in
/*) ;;
*) file=$folder/$file ;;
esac
# ZooKeeper's jar names in its manifest all it needs but a place to log to; all of /usr/share/java has two of those
exec java "-Xmx${ZK_SERVER_HEAP:-1000}m" -Dorg.slf4j.simpleLogger.logFile=System.out \
	-Dorg.slf4j.simpleLogger.showDateTime=true "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS" \
	${SERVER_JVMFLAGS} ${JVMFLAGS} -cp "$folder:/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar" \
	org.apache.zookeeper.server.quorum.QuorumPeerMain "$file"
