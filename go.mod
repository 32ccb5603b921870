module layercake

go 1.26
