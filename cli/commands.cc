#include "cli/commands.h"

#include "cli/annotate_command.h"
#include "cli/demo_command.h"
#include "cli/doctor_command.h"
#include "cli/info_command.h"
#include "cli/programs_command.h"
#include "cli/record_command.h"
#include "cli/report_command.h"
#include "cli/script_command.h"

namespace correlate {

void AddCommands(CLI::App& app, int* exit_code) {
  AddRecordCommand(app, exit_code);
  AddScriptCommand(app, exit_code);
  AddReportCommand(app, exit_code);
  AddInfoCommand(app, exit_code);
  AddProgramsCommand(app, exit_code);
  AddAnnotateCommand(app, exit_code);
  AddDemoCommand(app, exit_code);
  AddDoctorCommand(app, exit_code);
}

}  // namespace correlate
