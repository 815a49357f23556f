// Writes the table of frames into a folder, a file each: what the matcher's fuzzer starts from.
//
//   match_corpus tests/corpus/match_reply_fuzz
//
// Rows that went leave their files behind; bpf_test says which those are.
#include <cstdio>
#include <fstream>

#include "tests/bpf/reply_cases.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: match_corpus FOLDER\n");
    return 2;
  }
  for (const echoscan::ReplyCase& row : echoscan::reply_cases()) {
    std::ofstream out(std::string(argv[1]) + "/" + echoscan::corpus_name(row), std::ios::binary);
    out.write(reinterpret_cast<const char*>(row.frame.data()),
              static_cast<std::streamsize>(row.frame.size()));
    if (!out.flush()) {
      std::fprintf(stderr, "match_corpus: cannot write into %s\n", argv[1]);
      return 1;
    }
  }
  return 0;
}
