# A cluster may mount its folders no more. $5 the cluster. What is in them stays.
drop "# $storage pods-$5"
export_all
