# Makes netdevice $1 look like a NetVSC one: its device folder gets a class_id.
# The folder is staged with every entry of the real one (links copied, the rest bound) and bound over it, so
# relative links, renames and moves between network namespaces go on as before.
set -eu
class_id='{f8615163-df3e-46c5-913f-f2d2f965ed0e}'
device=$(readlink -e "/sys/class/net/$1/device") || { echo "netdevice $1 has no device" >&2; exit 1; }
stage=/run/lab/netvsc/$(basename "$device")
if [ -e "$device/class_id" ]; then
	exit 0
fi
# What an earlier device of the same name left there.
if [ -e "$stage" ]; then
	for entry in "$stage"/*; do
		[ -L "$entry" ] || umount "$entry" 2>/dev/null || :
	done
	rm -rf --one-file-system "$stage"
fi
mkdir -p "$stage"
for entry in "$device"/*; do
	staged=$stage/$(basename "$entry")
	if [ -L "$entry" ]; then
		cp -P "$entry" "$staged"
		continue
	elif [ -d "$entry" ]; then
		mkdir "$staged"
	else
		: >"$staged"
	fi
	mount --bind "$entry" "$staged"
done
echo "$class_id" >"$stage/class_id"
chmod 444 "$stage/class_id"
mount --rbind "$stage" "$device"
grep -qxF "$class_id" "/sys/class/net/$1/device/class_id"
