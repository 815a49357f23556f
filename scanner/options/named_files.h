// The files that a command line names, and that none of them is written over another.
//
// `-t list -o list` would end in a user without a list. So an output is refused that is, by device
// and inode, an input or another output, whatever links and spellings the names have; one that does
// not exist yet is known by its folder and name. What the shell has opened counts too: standard
// input, output and error. Terminals, devices and sockets do not, since these are read and written
// at once. A clash is bad usage, found before anything is opened or read. Rejected: comparing the
// names, which `./list` and links get past.
#pragma once

#include <string>
#include <vector>

#include "output/sink/file_place.h"
#include "output/sink/output_file.h"
#include "scanner/options/target_options.h"

namespace echoscan {

class NamedFiles {
 public:
  // Names what an option reads; "-" is standard input, an empty path nothing.
  void read(const std::string& option, const std::vector<std::string>& paths);
  // The lists of the targets and the exclusions, the system's too, and the file of --config.
  void read(const TargetConfig& target, const std::string& config_file);
  // Names what an option writes; an empty path is nothing. Throws UserError for a directory.
  void write(const std::string& option, const std::string& path, OutputMode mode);
  void write_standard_output();
  // Names what a scan that writes checkpoints, and that others may be told to do, has beside its
  // results at `results`.
  void write_checkpoint(const std::string& results);

  // Throws UserError when an output is an input or another output.
  void refuse_clashes() const;

 private:
  // A file, or a name in a folder that no file has yet.
  struct Spot {
    FileId id;         // of the file, else of the folder
    std::string name;  // empty: of a file
    friend bool operator==(const Spot&, const Spot&) = default;
  };
  struct Named {
    std::string who;  // for people: "-o 'found'"
    Spot spot;
    bool is_opened = false;  // by the shell
  };

  void add_opened(std::vector<Named>& files, int descriptor, const std::string& who) const;
  void add_output(const std::string& who, const FilePlace& place);
  void add_provisional(const std::string& who, const FilePlace& place);

  std::vector<Named> inputs_;
  std::vector<Named> outputs_;
};

}  // namespace echoscan
