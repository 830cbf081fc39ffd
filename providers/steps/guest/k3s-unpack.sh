# Unpacks a bundle that was sent here, beside the version that runs. $1 version, $2 SHA-256, $3 the file.
version=$1 sha256=$2 archive=$3
library=/usr/local/lib/bramble-k3s
if [ "$(sha256sum <"$archive" | cut -d ' ' -f 1)" != "$sha256" ]; then
  rm -f "$archive"
  fail "what arrived is not k3s $version as it is pinned (SHA-256 $sha256): run \`up\` again"
fi
rm -rf "$library/$version.new"
mkdir -p "$library/$version.new"
tar --extract --file "$archive" --directory "$library/$version.new" --no-same-owner
echo "$sha256" >"$library/$version.new/sha256"
rm -rf "${library:?}/$version"
mv "$library/$version.new" "$library/$version"
rm -f "$archive"
