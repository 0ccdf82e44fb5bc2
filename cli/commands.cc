#include "cli/commands.h"

#include "cli/alert_command.h"
#include "cli/annotate_command.h"
#include "cli/demo_command.h"
#include "cli/diff_command.h"
#include "cli/doctor_command.h"
#include "cli/export_command.h"
#include "cli/import_command.h"
#include "cli/info_command.h"
#include "cli/manual_command.h"
#include "cli/merge_command.h"
#include "cli/programs_command.h"
#include "cli/record_command.h"
#include "cli/report_command.h"
#include "cli/script_command.h"
#include "cli/top_command.h"

namespace correlate {

void AddCommands(CLI::App& app, int* exit_code) {
  AddRecordCommand(app, exit_code);
  AddScriptCommand(app, exit_code);
  AddReportCommand(app, exit_code);
  AddTopCommand(app, exit_code);
  AddAlertCommand(app, exit_code);
  AddInfoCommand(app, exit_code);
  AddMergeCommand(app, exit_code);
  AddDiffCommand(app, exit_code);
  AddExportCommand(app, exit_code);
  AddImportCommand(app, exit_code);
  AddProgramsCommand(app, exit_code);
  AddAnnotateCommand(app, exit_code);
  AddDemoCommand(app, exit_code);
  AddDoctorCommand(app, exit_code);
  AddManualCommands(app, exit_code);
}

}  // namespace correlate
