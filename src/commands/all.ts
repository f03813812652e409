/** The one table of commands: from it come lookup, help, completion, suggestions and the generated documents. */
import { benchmarkCommand } from './care/benchmark.ts';
import { cleanupCommand } from './care/cleanup.ts';
import { configCommands } from './care/config.ts';
import { metricsCommand } from './care/metrics.ts';
import { optimizeCommand } from './care/optimize.ts';
import { quotaCommand } from './care/quota.ts';
import { rebalanceApplyCommand, rebalancePlanCommand } from './care/rebalance.ts';
import { repairCommand } from './care/repair.ts';
import type { Command } from './command.ts';
import { consoleOnlyCommands } from './console/all.ts';
import { catCommand } from './files/cat.ts';
import { deleteCommand } from './files/delete.ts';
import { duplicateCommand } from './files/duplicate.ts';
import { getCommand } from './files/get.ts';
import { infoCommand } from './files/info.ts';
import { listCommand } from './files/list.ts';
import { popularCommand } from './files/popular.ts';
import { proveCommand } from './files/prove.ts';
import { putCommand } from './files/put.ts';
import { recentCommand } from './files/recent.ts';
import { renameCommand } from './files/rename.ts';
import { searchCommand } from './files/search.ts';
import { statsCommand } from './files/stats.ts';
import { tagCommand } from './files/tag.ts';
import { undeleteCommand } from './files/undelete.ts';
import { verifyCommand } from './files/verify.ts';
import { versionsCommand } from './files/versions.ts';
import { folderCommands } from './folders/all.ts';
import { jobsCommands } from './jobs/all.ts';
import { keysCommands } from './keys/all.ts';
import { manyCommands } from './many/all.ts';
import { bandwidthCommand } from './network/bandwidth.ts';
import { bandwidthLimitCommand } from './network/bandwidth-limit.ts';
import { discoverCommand } from './network/discover.ts';
import { distributionCommand } from './network/distribution.ts';
import { eventsCommand } from './network/events.ts';
import { healthCommand } from './network/health.ts';
import { networkCommand } from './network/network.ts';
import { networksCommand } from './network/networks.ts';
import { peerBanCommand, peerUnbanCommand } from './network/peer-ban.ts';
import { peerNameCommand } from './network/peer-name.ts';
import { peersCommand } from './network/peers.ts';
import { whatifCommand } from './network/whatif.ts';
import { bootstrapCommand } from './node/bootstrap.ts';
import { drainCommand } from './node/drain.ts';
import { serviceCommands } from './node/service.ts';
import { statusCommand } from './node/status.ts';
import { poolCommands } from './pools/all.ts';
import { createRegistry, type Registry } from './registry.ts';
import { sharingCommands } from './sharing/all.ts';
import { batchCommand } from './start/batch.ts';
import { completeCommand, completionCommand } from './start/completion.ts';
import { consoleCommand } from './start/console.ts';
import { demoCommand } from './start/demo.ts';
import { doctorCommand } from './start/doctor.ts';
import { helpCommand } from './start/help.ts';
import { initCommand } from './start/init.ts';
import { manCommand } from './start/man.ts';
import { recoverCommand } from './start/recover.ts';
import { tutorialCommand } from './start/tutorial.ts';
import { versionCommand } from './start/version.ts';

/** Every command of datamesh, in the order in which help lists them. */
export function allCommands(): readonly Command[] {
  return [
    initCommand,
    consoleCommand,
    batchCommand,
    helpCommand,
    manCommand,
    completionCommand,
    completeCommand,
    demoCommand,
    tutorialCommand,
    doctorCommand,
    recoverCommand,
    versionCommand,
    putCommand,
    getCommand,
    catCommand,
    listCommand,
    infoCommand,
    searchCommand,
    recentCommand,
    popularCommand,
    versionsCommand,
    statsCommand,
    verifyCommand,
    proveCommand,
    deleteCommand,
    undeleteCommand,
    renameCommand,
    duplicateCommand,
    tagCommand,
    ...manyCommands,
    ...sharingCommands,
    ...folderCommands,
    statusCommand,
    ...serviceCommands,
    bootstrapCommand,
    peersCommand,
    peerBanCommand,
    peerUnbanCommand,
    peerNameCommand,
    healthCommand,
    whatifCommand,
    eventsCommand,
    networkCommand,
    networksCommand,
    discoverCommand,
    bandwidthCommand,
    bandwidthLimitCommand,
    distributionCommand,
    repairCommand,
    rebalancePlanCommand,
    rebalanceApplyCommand,
    cleanupCommand,
    metricsCommand,
    benchmarkCommand,
    optimizeCommand,
    quotaCommand,
    drainCommand,
    ...jobsCommands,
    ...poolCommands,
    ...keysCommands,
    ...configCommands,
    ...consoleOnlyCommands,
  ];
}

export function wholeRegistry(): Registry {
  return createRegistry(allCommands());
}
