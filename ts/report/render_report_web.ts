/** `renderReport` in browsers. */
import type { AttackOutcome } from '../attack/result.ts';
import type { ReportContext } from './attack_page.ts';
import { reported } from './reported_attack.ts';

/** The report as one HTML page that needs nothing else. Loads the plotting libraries when it is first called. */
export async function renderReport(outcome: AttackOutcome, context: ReportContext = {}): Promise<string> {
  const [{ completeContext, renderAttackPage }, { encodePng }] = await Promise.all([
    import('./attack_page.ts'),
    import('./canvas_png.ts'),
  ]);
  return (await renderAttackPage(reported(outcome), completeContext(context), encodePng)).html;
}
