// The packet socket that frames leave by: bound to one interface, past its queueing discipline.
//
// Bypassing the discipline saves a lock and gives an honest answer: a frame that the driver drops,
// or that finds the link down, comes back as an error instead of vanishing in a queue. What every
// AF_PACKET method shares. Needs CAP_NET_RAW and nothing else.
#pragma once

#include "scanner/network/interface.h"
#include "scanner/process/file_descriptor.h"

namespace echoscan {

// A socket that sends frames on `interface` and receives nothing. Throws std::system_error.
FileDescriptor open_packet_socket(const Interface& interface);
// Makes a packet socket, whoever opened it, send past the discipline. Throws std::system_error.
void bypass_queueing_discipline(int socket);

}  // namespace echoscan
