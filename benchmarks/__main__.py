from benchmarks.gateway import main

main()
