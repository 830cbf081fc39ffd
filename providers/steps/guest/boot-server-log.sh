# What the two services said last.
for name in tftp http; do last_words "$name"; done
