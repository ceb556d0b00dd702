import type { InstanceServices } from './instance-services.ts';
import type { FleetTier, TierStore } from './tier.ts';

/**
 * Digest of the image that a tier's instances are to run. That of the last deploy, when nobody has named one: from here
 * on it is the tier's, so that the next deploy changes nothing until somebody wants it to.
 */
export const wantedImage = async (
  tiers: TierStore,
  services: Pick<InstanceServices, 'templateImage'>,
  tier: FleetTier,
): Promise<string> => {
  const { image } = await tiers.get(tier);
  return image ?? tiers.putFirstImage(tier, await services.templateImage(tier));
};
