# What the services said last.
for name in tftp http identity; do last_words "$name"; done
